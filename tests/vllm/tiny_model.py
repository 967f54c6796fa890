"""Makes a language model of 0.7 million parameters that knows the demo's answers by heart; runs in vLLM's environment.

It is trained, because a model of random weights soon repeats one token: what continues such a text cannot go wrong.
The same seed and texts give the same model, but for the last bits of its weights.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from .questions import answers

CONTEXT = 1024  # tokens
VOCABULARY = 2048
# A text that is cut after a token has the same tokens as before, as with the tokenizers of Qwen and Llama 3. With
# GPT-2's it has not: two line ends are one token at the end of a text, and two before a word.
WORDS = r" ?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+|\n+|[^\S\n]+"
HIDDEN, LAYERS, HEADS = 128, 2, 4  # 32 numbers per head: the fewest that vLLM's attention takes on a processor
STEPS, BATCH, LEARNING_RATE = 160, 8, 5e-3
END, PADDING = "<|im_end|>", "<|endoftext|>"
HIDDEN_TOKENS = (PADDING, "<|im_start|>", END)
THINK_TOKENS = ("<think>", "</think>")  # shown as text, unless a reasoning parser takes them
IGNORED = -100  # as a label: nothing is to be learnt here
TEMPLATE = Path(__file__).with_name("chat_template.jinja")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    print(f"Training a tiny model into {folder}: {STEPS} steps, a minute or two …", flush=True)
    torch.manual_seed(0)
    begun = time.monotonic()
    tokenizer = tokenizer_of([text for pair in answers() for text in pair])
    model = untrained(tokenizer)
    loss = train(model, *lessons(tokenizer))
    tokenizer.save_pretrained(folder)
    model.generation_config = GenerationConfig(eos_token_id=model.config.eos_token_id)
    model.save_pretrained(folder)
    print(f"The model is ready after {time.monotonic() - begun:.0f} s; loss {loss:.3f}.", flush=True)


def tokenizer_of(texts: list[str]) -> PreTrainedTokenizerFast:
    words = pre_tokenizers.Split(Regex(WORDS), behavior="isolated")
    as_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([words, as_bytes])
    tokenizer.decoder = decoders.ByteLevel()
    size = VOCABULARY - len(HIDDEN_TOKENS) - len(THINK_TOKENS)
    trainer = trainers.BpeTrainer(vocab_size=size, show_progress=False, initial_alphabet=as_bytes.alphabet())
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in HIDDEN_TOKENS])
    tokenizer.add_tokens([AddedToken(token, special=False, normalized=False) for token in THINK_TOKENS])
    whole = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=END, pad_token=PADDING)
    whole.chat_template = TEMPLATE.read_text().removesuffix("\n")
    return whole


def untrained(tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=VOCABULARY, hidden_size=HIDDEN, intermediate_size=3 * HIDDEN, num_hidden_layers=LAYERS,
            num_attention_heads=HEADS, num_key_value_heads=2, head_dim=HIDDEN // HEADS, tie_word_embeddings=True,
            max_position_embeddings=CONTEXT, bos_token_id=None, eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )  # fmt: skip


def lessons(tokenizer: PreTrainedTokenizerFast) -> tuple[torch.Tensor, torch.Tensor]:
    """(tokens, labels): one conversation per row, as far as the context goes; questions are not learnt."""
    rows, labels = [], []
    for question, answer in answers():
        asked = tokenizer.apply_chat_template(
            [{"role": "user", "content": question}], add_generation_prompt=True, return_dict=False
        )
        said = tokenizer.encode(answer + END, add_special_tokens=False)
        rows.append(torch.tensor((asked + said)[:CONTEXT]))
        labels.append(torch.tensor(([IGNORED] * len(asked) + said)[:CONTEXT]))
    pad = torch.nn.utils.rnn.pad_sequence
    return pad(rows, True, tokenizer.pad_token_id), pad(labels, True, IGNORED)


def train(model: LlamaForCausalLM, tokens: torch.Tensor, labels: torch.Tensor) -> float:
    """Returns the last loss."""
    print(f"{tokens.shape[0]} answers of up to {tokens.shape[1]} tokens", flush=True)
    optimiser = torch.optim.AdamW(model.parameters(), LEARNING_RATE, betas=(0.9, 0.95))
    pace = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, STEPS, pct_start=0.1)
    model.train()
    loss = torch.tensor(0.0)
    for step in range(STEPS):
        chosen = torch.randperm(len(tokens))[:BATCH]
        longest = int((labels[chosen] != IGNORED).nonzero()[:, 1].max()) + 1
        loss = model(input_ids=tokens[chosen, :longest], labels=labels[chosen, :longest]).loss
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        pace.step()
        if step % 50 == 0:
            print(f"step {step}: loss {loss.item():.3f}", flush=True)
    model.eval()
    return loss.item()


if __name__ == "__main__":
    main()
