import { forgetAll } from "./account_storage.js";

// On pages of nobody: a sign-out leads here, and takes what the browser kept with it. A session that only expired does
// not, since its user comes back to the draft.

if (new URLSearchParams(location.search).has("signed-out")) forgetAll();
