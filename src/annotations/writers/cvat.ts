import { escapeXml } from '../formats/xml';
import { type Annotated, boxPixels, SeenLabels, textFile } from '../model/annotated';

/**
 * An XML file "CVAT for images 1.1" (docs.cvat.ai, "XML annotation format"), built as results come: a `<mask>` for each mask
 * that is present, with run-lengths in rows of its box. Importing it into a task needs the labels to be there by name.
 */
export class CvatFile {
  private readonly images: string[] = [];
  private readonly labels = new SeenLabels();

  /**
   * Adds a picture's masks; those that are not present add a label alone.
   *
   * @param file what the picture is called in the task.
   */
  add(file: string, result: Annotated): void {
    const { width, height, masks } = result;
    this.labels.add(result);
    const size = `width="${width}" height="${height}"`;
    const lines = [`  <image id="${this.images.length}" name="${escapeXml(file)}" ${size}>`];
    for (const mask of masks) {
      if (!mask.present) continue;
      const [x, y, w, h] = mask.box;
      const box = `left="${x}" top="${y}" width="${w}" height="${h}"`;
      const runs = rowRuns(boxPixels(mask)).join(', ');
      lines.push(
        `    <mask label="${escapeXml(mask.name)}" source="auto" occluded="0" rle="${runs}" ${box} z_order="0"></mask>`,
      );
    }
    this.images.push([...lines, '  </image>'].join('\n'));
  }

  /** The file's bytes: XML in UTF-8. */
  encode(): Uint8Array {
    const labels = this.labels.sorted.map(
      ([, name]) =>
        `        <label><name>${escapeXml(name)}</name><attributes></attributes></label>`,
    );
    return textFile(
      [
        '<?xml version="1.0" encoding="utf-8"?>',
        '<annotations>',
        '  <version>1.1</version>',
        '  <meta>',
        '    <task>',
        `      <size>${this.images.length}</size>`,
        '      <mode>annotation</mode>',
        '      <labels>',
        ...labels,
        '      </labels>',
        '    </task>',
        '  </meta>',
        ...this.images,
        '</annotations>\n',
      ].join('\n'),
    );
  }
}

/** Runs of 0 and 1 in turn, starting with 0. */
function rowRuns(data: Uint8Array): number[] {
  const runs: number[] = [];
  let [run, value] = [0, 0];
  for (const each of data) {
    if (each === value) {
      run++;
    } else {
      runs.push(run);
      [run, value] = [1, each];
    }
  }
  return [...runs, run];
}
