import type { Engine } from '../../engines/engine';
import type { Grid, PainterModel, Positions, Task } from './model';

interface Shared {
  readonly positions: Positions;
  users: number;
}

/**
 * Positions spread over a grid, kept as long as somebody uses them: contexts of one size and task share theirs, however
 * many colourings there are.
 */
export class SharedPositions {
  private readonly kept = new Map<string, Shared>();

  constructor(private readonly model: PainterModel) {}

  /** The caller gives them back with {@link SharedPositions.release}. */
  take(grid: Grid, task: Task): Positions {
    const key = `${grid.rows} ${grid.columns} ${task}`;
    const entry = this.kept.get(key) ?? { positions: this.model.positions(grid, task), users: 0 };
    entry.users++;
    this.kept.set(key, entry);
    return entry.positions;
  }

  /** Frees them once nobody uses them. */
  release(positions: Positions): void {
    for (const [key, entry] of this.kept) {
      if (entry.positions !== positions) continue;
      if (--entry.users === 0) {
        this.kept.delete(key);
        freePositions(this.model.engine, positions);
      }
      return;
    }
  }
}

/** Frees position tables made by `PainterModel.positions`. */
export function freePositions(engine: Engine, positions: Positions): void {
  engine.dispose(positions.image, positions.mask);
  for (const relative of positions.relative) {
    if (relative) engine.dispose(relative.rows, relative.columns);
  }
}
