// Svelte's compiler: styles leave as files, never as elements, because the Content-Security-Policy allows no inline style.

export default {
  compilerOptions: { runes: true, css: "external" },
};
