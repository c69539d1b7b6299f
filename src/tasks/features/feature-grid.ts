import { InvalidInputError } from '../../base/errors';

/** What a grid is made from. */
export interface FeatureGridParts {
  /** Of the picture, in pixels. */
  readonly width: number;
  /** Of the picture, in pixels. */
  readonly height: number;
  /** Cells from top to bottom. */
  readonly rows: number;
  /** Cells from left to right. */
  readonly columns: number;
  /** Numbers for each cell. */
  readonly channels: number;
  /** Of a cell, in pixels of the picture. */
  readonly cellWidth: number;
  /** Of a cell, in pixels of the picture. */
  readonly cellHeight: number;
  /** `(rows, columns, channels)` row-major. */
  readonly data: Float32Array;
  /** `(channels)`: what stands for the picture as a whole. */
  readonly summary?: Float32Array;
}

/** What an image encoder sees of a picture: one vector for each cell of a grid that lies over it. */
export class FeatureGrid {
  /** Of the picture, in pixels. */
  readonly width: number;
  /** Of the picture, in pixels. */
  readonly height: number;
  /** Cells from top to bottom. */
  readonly rows: number;
  /** Cells from left to right. */
  readonly columns: number;
  /** Numbers for each cell. */
  readonly channels: number;
  /** Of a cell, in pixels of the picture; not always whole. The last column may reach beyond the picture. */
  readonly cellWidth: number;
  /** Of a cell, in pixels of the picture; not always whole. The last row may reach beyond the picture. */
  readonly cellHeight: number;
  /** `(rows, columns, channels)` row-major, float32. */
  readonly data: Float32Array;
  /** `(channels)`: of models with a class token that token, which stands for the picture as a whole. */
  readonly summary: Float32Array | undefined;

  constructor(parts: FeatureGridParts) {
    this.width = parts.width;
    this.height = parts.height;
    this.rows = parts.rows;
    this.columns = parts.columns;
    this.channels = parts.channels;
    this.cellWidth = parts.cellWidth;
    this.cellHeight = parts.cellHeight;
    this.data = parts.data;
    this.summary = parts.summary;
  }

  /** The vector of one cell: `(channels)`, a view. @throws InvalidInputError for a cell that is none of the grid's. */
  cell(row: number, column: number): Float32Array {
    const { rows, columns, channels } = this;
    if (!(row >= 0 && row < rows && column >= 0 && column < columns))
      throw new InvalidInputError(
        'cell',
        `must be one of ${rows} x ${columns}, is (${row}, ${column}).`,
      );
    const at = (Math.floor(row) * columns + Math.floor(column)) * channels;
    return this.data.subarray(at, at + channels);
  }

  /** The vector of the cell over a pixel of the picture, a view. @throws InvalidInputError for one outside. */
  at(x: number, y: number): Float32Array {
    const { width, height } = this;
    if (!(x >= 0 && x < width && y >= 0 && y < height))
      throw new InvalidInputError(
        'point',
        `must lie in the picture of ${width} x ${height} pixels, is (${x}, ${y}).`,
      );
    return this.cell(y / this.cellHeight, x / this.cellWidth);
  }

  /**
   * How alike every cell is to a vector: their cosine, -1 … 1.
   *
   * @returns `(rows, columns)` row-major.
   * @throws InvalidInputError for a vector of another length.
   */
  similarity(vector: ArrayLike<number>): Float32Array {
    const { data, channels, rows, columns } = this;
    if (vector.length !== channels)
      throw new InvalidInputError('vector', `must have ${channels} values, has ${vector.length}.`);
    let square = 0;
    for (let c = 0; c < channels; c++) square += vector[c] ** 2;
    const result = new Float32Array(rows * columns);
    for (let i = 0; i < result.length; i++) {
      let [product, own] = [0, 0];
      for (let c = 0, at = i * channels; c < channels; c++, at++) {
        product += data[at] * vector[c];
        own += data[at] ** 2;
      }
      const length = Math.sqrt(own * square);
      result[i] = length > 0 ? product / length : 0;
    }
    return result;
  }

  /** Everything but the numbers. */
  toJSON(): Record<string, number> {
    const { width, height, rows, columns, channels, cellWidth, cellHeight } = this;
    return { width, height, rows, columns, channels, cellWidth, cellHeight };
  }
}
