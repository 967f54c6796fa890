import { AccountStorage } from "./account_storage.js";
import { Pace } from "./answer/pace.js";

// The settings that are stored in this browser; without scripts, they are not offered.

const choice = document.querySelector("[data-pace]");
const pace = new Pace(new AccountStorage(choice.dataset.pace));

choice.querySelector("input").checked = pace.isEnabled;
choice.addEventListener("change", (e) => {
  pace.isEnabled = e.target.checked;
  e.target.checked = pace.isEnabled;
});
choice.hidden = false;
