// Opens the steps of the device at hand, and asks the gateway whether this browser trusts it.
"use strict";
(() => {
  const agent = navigator.userAgent;
  const tests = [
    ["ios", /iPhone|iPad/],
    ["android", /Android/],
    ["firefox", /Firefox\//],
    ["windows", /Windows/],
    ["mac", /Macintosh/],
    ["linux", /Linux|X11/],
  ];
  const found = tests.find(([, pattern]) => pattern.test(agent));
  const steps = found && document.getElementById(found[0]);
  if (steps) {
    steps.open = true;
    steps.parentNode.insertBefore(steps, steps.parentNode.querySelector("details"));
  }
  const state = document.getElementById("state");
  let asking = false;
  async function ask() {
    if (asking) return;
    asking = true;
    state.className = "";
    state.textContent = state.dataset.asking;
    let trusted = false;
    try {
      const answer = await fetch(state.dataset.check, { cache: "no-store", credentials: "omit" });
      trusted = answer.status === 204;
    } catch {
      trusted = false;
    }
    asking = false;
    state.className = trusted ? "good" : "bad";
    state.textContent = trusted ? state.dataset.good : state.dataset.bad;
    document.getElementById("again").hidden = trusted;
    document.getElementById("open").hidden = !trusted;
  }
  document.getElementById("again").addEventListener("click", (event) => {
    event.preventDefault();
    ask();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") ask();
  });
  ask();
})();
