// What a message is, and the types that hold the languages together: a text with `{names}`, or a plain function for
// what texts can't say (plurals). A translation has the same keys and takes the same values; the compiler checks it.

/** What may stand in a message. */
export type Value = string | number;

/** A text, or a function of values. */
export type Message = string | ((values: never) => string);

/** A feature's messages; keys are `feature.name`. */
export interface Messages {
  readonly [key: string]: Message;
}

type Names<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Names<Rest>
  : never;

/** The values that a message needs: `[]` when it needs none. */
export type Values<M> = M extends (values: infer V) => string
  ? [values: V]
  : M extends string
    ? Names<M> extends never
      ? []
      : [values: { readonly [name in Names<M>]: Value }]
    : never;

/** The same messages in another language. */
export type Translation<Of extends Messages> = {
  readonly [Key in keyof Of]: Of[Key] extends (values: infer V) => string
    ? (values: V) => string
    : string;
};

/** Puts values into a text. A name without a value stays, so that it is seen. */
export function fill(text: string, values: { readonly [name: string]: Value }): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}
