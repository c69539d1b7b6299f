/** The browser's class of that name where the compiler knows it; nothing elsewhere, as in a project for Node. */
export type BrowserClass<Name extends string> =
  typeof globalThis extends Record<Name, { readonly prototype: infer Instance }> ? Instance : never;
