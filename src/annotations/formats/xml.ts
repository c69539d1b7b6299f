import { InvalidInputError } from '../../base/errors';

/** An element with its attributes and the elements in it; text between them is not kept. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlElement[];
  /** Where it begins in the file, for messages; the first is 1. */
  readonly line: number;
}

const NAME = '[A-Za-z_:][\\w:.-]*';
const ENTITIES: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

/**
 * Reads the elements of an XML 1.0 file, as far as annotation tools write it: elements, attributes, comments, CDATA,
 * processing instructions, and the five entities of XML and those by number. Declarations of types are refused, since entities
 * could be declared there that make a small file a huge one.
 *
 * @returns the outermost element.
 * @throws InvalidInputError with the line of what is no well-formed XML.
 */
export function parseXml(text: string, file: string): XmlElement {
  interface Open extends XmlElement {
    readonly children: XmlElement[];
  }
  const open: Open[] = [];
  let root: XmlElement | undefined;
  // Counted on the way: looking back from each element would take time in the square of their number.
  let [line, counted] = [1, 0];
  const lineAt = (at: number) => {
    for (; counted < at; counted++) if (text.charCodeAt(counted) === 10) line++;
    return line;
  };
  const fail = (at: number, what: string): never => {
    throw new InvalidInputError(file, `is no well-formed XML: line ${lineAt(at)} ${what}.`);
  };
  const skip = (at: number, end: string) => {
    const found = text.indexOf(end, at);
    return found < 0
      ? fail(at, `has a "${text.slice(at, at + 4)}" that does not end`)
      : found + end.length;
  };
  const tag = new RegExp(
    `<(/?)(${NAME})((?:\\s+${NAME}\\s*=\\s*(?:"[^"<]*"|'[^'<]*'))*)\\s*(/?)>`,
    'y',
  );
  for (let at = 0; ;) {
    const next = text.indexOf('<', at);
    const between = text.slice(at, next < 0 ? text.length : next);
    if (open.length === 0 && between.trim() !== '') fail(at, 'has text outside of all elements');
    if (next < 0) break;
    at = next;
    if (text.startsWith('<!--', at)) at = skip(at, '-->');
    else if (text.startsWith('<?', at)) at = skip(at, '?>');
    else if (text.startsWith('<![CDATA[', at)) at = skip(at, ']]>');
    else {
      tag.lastIndex = at;
      const match =
        tag.exec(text) ??
        fail(
          at,
          text.startsWith('<!', at)
            ? 'declares types or entities, which is not read'
            : 'has a tag that cannot be read',
        );
      const [whole, closing, name, attributes, alone] = match;
      if (closing) {
        if (open.pop()?.name !== name) fail(at, `closes "${name}", which is not open`);
      } else {
        if (root && open.length === 0) fail(at, 'begins a second outermost element');
        const element: Open = {
          name,
          attributes: attributesOf(attributes, (what) => fail(at, what)),
          children: [],
          line: lineAt(at),
        };
        open.at(-1)?.children.push(element);
        root ??= element;
        if (!alone) open.push(element);
      }
      at += whole.length;
    }
  }
  if (open.length > 0) fail(text.length, `ends before "${open.at(-1)!.name}" is closed`);
  return root ?? fail(0, 'has no element');
}

function attributesOf(text: string, fail: (what: string) => never): Record<string, string> {
  const attributes: Record<string, string> = Object.create(null);
  for (const [, name, quoted] of text.matchAll(
    new RegExp(`(${NAME})\\s*=\\s*("[^"]*"|'[^']*')`, 'g'),
  )) {
    if (name in attributes) fail(`has "${name}" twice`);
    attributes[name] = quoted.slice(1, -1).replace(/&([^;\s]*)(;?)/g, (whole, entity, end) => {
      const code = /^#(?:x([\da-f]{1,6})|(\d{1,7}))$/i.exec(entity);
      const point = code ? parseInt(code[1] ?? code[2], code[1] ? 16 : 10) : -1;
      const meant =
        point >= 0 && point <= 0x10ffff ? String.fromCodePoint(point) : ENTITIES[entity];
      return end && meant !== undefined ? meant : fail(`has the unknown entity "${whole}"`);
    });
  }
  return attributes;
}

/** Text as an attribute's value has it. */
export function escapeXml(text: string): string {
  const entityOf: Record<string, string> = { '<': 'lt', '>': 'gt', '&': 'amp', '"': 'quot' };
  return text.replace(/[<>&"\n\r\t]/g, (character) =>
    character in entityOf ? `&${entityOf[character]};` : `&#${character.charCodeAt(0)};`,
  );
}
