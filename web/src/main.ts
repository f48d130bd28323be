// Where the app starts: secrets leave the address bar first, then appearance and language are set and the app is shown.

import "./ui/tokens.css";
import "./ui/base.css";
import { mount } from "svelte";
import App from "./App.svelte";
import { startAccount } from "./entry/account.svelte.ts";
import { watchLinks } from "./entry/link.ts";
import { startLanguage, t } from "./i18n/index.ts";
import { startRouter } from "./router.svelte.ts";
import { watchConnection } from "./shell/connection.svelte.ts";
import { watchInstall } from "./shell/install.svelte.ts";
import { showAppearance } from "./theme.svelte.ts";
import { toast } from "./ui/toasts.svelte.ts";
import { watchVersions } from "./update.ts";

watchLinks();
showAppearance();
startRouter();
watchConnection();
watchInstall();
void startAccount();

const target = document.getElementById("app");
if (target !== null) {
  void startLanguage()
    .catch(() => undefined)
    .then(() => mount(App, { target }));
}

/** The shell is stored once the page has come to rest: its files would compete with those of the page. */
const REST_MS = 2_000;

setTimeout(() => {
  watchVersions((change) =>
    toast(t("shell.update"), { tone: "info", action: { label: t("shell.reload"), run: change } }),
  ).catch(() => undefined);
}, REST_MS);
