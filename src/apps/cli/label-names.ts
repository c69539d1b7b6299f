import { InvalidArgumentError } from 'commander';

/** Names by label, as the option `labelNames` takes them. */
export type LabelNames = Readonly<Record<number, string>>;

/** Reads `1=cup,2=spoon`; given again it adds to what came before. A name holds no comma. */
export function parseLabelNames(text: string, previous: LabelNames = {}): LabelNames {
  const names: Record<number, string> = { ...previous };
  for (const part of text.split(',')) {
    const [, digits, name] = /^\s*(\d+)\s*=\s*(.*?)\s*$/.exec(part) ?? [];
    const label = Number(digits);
    if (!name || !(label >= 1 && label <= 255))
      throw new InvalidArgumentError(
        `"${part}" is no LABEL=NAME with a label from 1 to 255, as in 1=cup,2=spoon.`,
      );
    if (names[label] !== undefined)
      throw new InvalidArgumentError(
        `The label ${label} is named twice: "${names[label]}" and "${name}".`,
      );
    names[label] = name;
  }
  return names;
}
