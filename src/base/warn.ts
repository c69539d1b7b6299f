const told = new Set<string>();

/**
 * Tells people, once, of something that works but not as they would expect. In Node it is a process warning of type
 * `SegGptWarning` with the code `SEGGPT_…` (`process.on('warning')` hears it, `--disable-warning=SEGGPT_…` silences it); in
 * browsers a warning on the console. Nothing else of this package is ever printed.
 */
export function warn(code: string, message: string): void {
  if (told.has(message)) return;
  told.add(message);
  if (typeof process === 'object' && typeof process.emitWarning === 'function')
    process.emitWarning(message, { type: 'SegGptWarning', code: `SEGGPT_${code}` });
  else console.warn(`seggpt: ${message}`);
}
