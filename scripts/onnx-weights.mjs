/**
 * What an ONNX file knows by heart: constant tensors and which operation takes which. Reads the few fields of `onnx.proto3`
 * that this needs, by their numbers.
 */

/** Fields of one protobuf message: `[number, value]`, numbers for varints, bytes for the rest. */
function* fields(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    const wire = tag & 7;
    if (wire === 0) yield [number, varint()];
    else if (wire === 5) yield [number, view.getUint32((at += 4) - 4, true)];
    else if (wire === 1) yield [number, bytes.subarray(at, (at += 8))];
    else if (wire === 2) {
      const length = varint();
      yield [number, bytes.subarray(at, (at += length))];
    } else throw new Error(`Wire type ${wire} is not read.`);
  }
}

const text = (bytes) => Buffer.from(bytes).toString('utf8');
const FLOAT = 1;

/** `TensorProto`: name, shape and, where they are float32, values. */
function tensor(bytes) {
  const found = { name: '', shape: [], values: null };
  let type = 0;
  let raw = null;
  for (const [number, value] of fields(bytes)) {
    if (number === 1) {
      if (typeof value === 'number') found.shape.push(value);
      else for (const dimension of packed(value)) found.shape.push(dimension);
    } else if (number === 2) type = value;
    else if (number === 8) found.name = text(value);
    else if (number === 9 || number === 4) raw = value;
  }
  if (type === FLOAT && raw) found.values = new Float32Array(raw.slice().buffer);
  return found;
}

function packed(bytes) {
  const numbers = [];
  let [value, scale] = [0, 1];
  for (const byte of bytes) {
    value += (byte & 127) * scale;
    scale *= 128;
    if (byte < 128) {
      numbers.push(value);
      [value, scale] = [0, 1];
    }
  }
  return numbers;
}

/** `NodeProto`: what it does, what goes in and out, and the tensor it holds if it is a constant. */
function node(bytes) {
  const found = { inputs: [], outputs: [], name: '', type: '', constant: null };
  for (const [number, value] of fields(bytes)) {
    if (number === 1) found.inputs.push(text(value));
    else if (number === 2) found.outputs.push(text(value));
    else if (number === 3) found.name = text(value);
    else if (number === 4) found.type = text(value);
    else if (number === 5)
      for (const [field, held] of fields(value)) if (field === 5) found.constant = tensor(held);
  }
  return found;
}

/** Constants by name, and the operations in order, of an ONNX file's bytes. */
export function readOnnx(bytes) {
  const tensors = new Map();
  const nodes = [];
  for (const [number, value] of fields(bytes)) {
    if (number !== 7) continue; // the graph
    for (const [part, held] of fields(value)) {
      if (part === 1) nodes.push(node(held));
      else if (part === 5) {
        const { name, ...rest } = tensor(held);
        tensors.set(name, rest);
      }
    }
  }
  return { tensors, nodes };
}
