// Messages of the lens over pictures in English.

export const lens = {
  "lens.whole": "Show the whole picture (Z)",
  "lens.whole-of": "Enlarged {times} times. Show the whole picture",
} as const;
