import type { FoundLabel } from './sureness';

/** What a project file is known by. */
export const FORMAT = 'seggpt-project';
/** The version this page writes, and the only one it reads. */
export const VERSION = 1;

/** A label as projects keep it. */
export interface ProjectLabel {
  readonly id: number;
  readonly name: string;
  /** `#rrggbb`. */
  readonly color: string;
}

/** Where a picture stands. */
export const statuses = ['new', 'marked', 'found', 'corrected', 'accepted'] as const;
export type Status = (typeof statuses)[number];

/** A picture as projects keep it: its name and what is marked, not its pixels. */
export interface ProjectPicture {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly status: Status;
  readonly isExample: boolean;
  /** COCO's compressed run-lengths of each label. */
  readonly marks: Readonly<Record<string, string>>;
  readonly found?: readonly FoundLabel[];
}

export interface Project {
  readonly labels: readonly ProjectLabel[];
  readonly pictures: readonly ProjectPicture[];
}

/** A file is no project, is damaged, or was written by another version. The message says which. */
export class ProjectFileError extends Error {
  override name = 'ProjectFileError';
}

export function writeProject(project: Project): string {
  return `${JSON.stringify({ format: FORMAT, version: VERSION, ...project }, null, 1)}\n`;
}

/** Reads a project whole or not at all. @throws ProjectFileError */
export function readProject(text: string): Project {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ProjectFileError('This is no project file, or it is cut off.');
  }
  const file = fields(value);
  if (file.format !== FORMAT) throw new ProjectFileError('This file is no project of this page.');
  if (file.version !== VERSION)
    throw new ProjectFileError(
      `The project was written by another version (${String(file.version)}); this page reads version ${VERSION}.`,
    );
  const labels = list(file.labels, 'labels').map(readLabel);
  const ids = new Set(labels.map(({ id }) => id));
  if (ids.size !== labels.length) damaged('labels');
  const pictures = list(file.pictures, 'pictures').map((each) => readPicture(each, ids));
  return { labels, pictures };
}

function readLabel(value: unknown): ProjectLabel {
  const { id, name, color } = fields(value);
  if (!isWhole(id, 1, 255) || typeof name !== 'string') damaged('labels');
  if (typeof color !== 'string' || !/^#[0-9a-f]{6}$/i.test(color)) damaged('labels');
  return { id: id as number, name: name as string, color: color as string };
}

function readPicture(value: unknown, labels: ReadonlySet<number>): ProjectPicture {
  const { name, width, height, status, isExample, marks, found } = fields(value);
  if (typeof name !== 'string' || name === '') damaged('pictures');
  if (!isWhole(width, 1, 65_535) || !isWhole(height, 1, 65_535)) damaged(`${name}: size`);
  if (!statuses.includes(status as Status)) damaged(`${name}: status`);
  const kept = Object.entries(fields(marks));
  if (!kept.every(([label, counts]) => labels.has(Number(label)) && typeof counts === 'string'))
    damaged(`${name}: marks`);
  return {
    ...{ name: name as string, width: width as number, height: height as number },
    status: status as Status,
    isExample: isExample === true,
    marks: Object.fromEntries(kept) as Record<string, string>,
    ...(found !== undefined && { found: list(found, 'found').map(readFound) }),
  };
}

function readFound(value: unknown): FoundLabel {
  const { label, score, strength, present, objects } = fields(value);
  if (!isWhole(label, 1, 255) || !isShare(score) || !isShare(strength)) damaged('found');
  return {
    ...{ label: label as number, score: score as number, strength: strength as number },
    present: present === true,
    ...(isWhole(objects, 0, 1e6) && { objects: objects as number }),
  };
}

const isWhole = (value: unknown, least: number, most: number) =>
  Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
const isShare = (value: unknown) => typeof value === 'number' && value >= 0 && value <= 1;

function fields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : damaged('an entry');
}

function list(value: unknown, name: string): readonly unknown[] {
  return Array.isArray(value) ? value : damaged(name);
}

function damaged(what: string): never {
  throw new ProjectFileError(`The project is damaged (${what}).`);
}
