/** The CPU engine: SIMD kernels and threads in WebAssembly. This file only exports. */
export { createWasmEngine, type WasmEngineOptions } from './create-wasm-engine';
export { wasmFeatures, type WasmFeatures } from './features';
export { WasmEngine } from './wasm-engine';
