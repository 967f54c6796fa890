import { forgetAll } from "./account_storage.js";

// On pages for users who are not signed in: deletes what the browser stored after a sign-out, which leads here. After
// an expired session, nothing is deleted, so that its user finds the draft again.

if (new URLSearchParams(location.search).has("signed-out")) forgetAll();
