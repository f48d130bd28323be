// Messages of `account` in English.

export const account = {} as const;
