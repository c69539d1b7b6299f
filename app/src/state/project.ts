/** The work as a file: labels, names of pictures, what is marked and found in them; not the pictures themselves. */
import { batch } from '@preact/signals';
import { type ProjectPicture, readProject, writeProject } from '../logic/project-file';
import type { Runs } from '../logic/runs';
import { strings } from '../strings';
import { findWorker } from '../workers/workers';
import { download } from './save-file';
import { activeLabel, labels, patchPicture, type Picture, pictures, say } from './store';

export const PROJECT_NAME = 'project.seggpt.json';

export async function saveProject(): Promise<void> {
  try {
    const kept: ProjectPicture[] = [];
    for (const picture of pictures.value) {
      const { name, width, height, runs, status, isExample, found } = picture;
      const marks = await findWorker.toMarks({ width, height, runs });
      kept.push({ name, width, height, status, isExample, marks, found });
    }
    const text = writeProject({ labels: labels.value, pictures: kept });
    download(new Blob([text], { type: 'application/json' }), PROJECT_NAME);
    say(strings.projectSaved(kept.length));
  } catch (error) {
    say(strings.failedClick((error as Error).message), true);
  }
}

/**
 * Takes a project over: what it says of pictures that are open, by name and size. It is read whole before anything is changed, so
 * that a file that is damaged, or of another version, loses nothing.
 */
export async function openProject(file: File): Promise<void> {
  try {
    const project = readProject(await file.text());
    const taken: {
      readonly picture: Picture;
      readonly kept: ProjectPicture;
      readonly runs: Runs;
    }[] = [];
    const missing: string[] = [];
    for (const kept of project.pictures) {
      const { name, width, height, marks } = kept;
      const picture = pictures.value.find(
        (each) => each.name === name && each.width === width && each.height === height,
      );
      if (picture)
        taken.push({ picture, kept, runs: await findWorker.fromMarks(width, height, marks) });
      else missing.push(name);
    }
    if (taken.length === 0) return say(strings.projectMissing(missing), true);
    batch(() => {
      // Labels that the project does not know stay: other pictures may show them.
      const known = new Set(project.labels.map(({ id }) => id));
      const others = labels.value.filter(({ id }) => !known.has(id));
      labels.value = [...project.labels, ...others];
      activeLabel.value = labels.value[0].id;
      for (const { picture, kept, runs } of taken) {
        const { status, isExample, found } = kept;
        patchPicture(picture.id, { status, isExample, found, runs, version: picture.version + 1 });
      }
    });
    if (missing.length > 0) say(strings.projectMissing(missing), true);
    else say(strings.projectOpened(taken.length));
  } catch (error) {
    say(strings.projectRefused((error as Error).message), true);
  }
}
