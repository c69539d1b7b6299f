import type * as dawn from 'webgpu';
import { NotInstalled, optionalModule } from '../../base/optional-module';
import { isSoftware, reason, softwareAdapter } from '../tfjs-backends';
import { lacksGpu } from './gpu-hardware';

export interface WebGpuDevice {
  readonly device: GPUDevice;
  readonly info: GPUAdapterInfo;
  /** Whether the adapter computes in software. */
  readonly software: boolean;
  readonly close: () => void;
}

/** Dawn's instances in use. One that is collected takes its devices down with it, and the process. */
const held = new Set<GPU>();

/**
 * A WebGPU device from Dawn (npm package `webgpu`), with all the limits the adapter has. The caller
 * closes it.
 *
 * @param hardwareOnly refuse an adapter that computes in software. Where this machine shows no graphics hardware, Dawn is
 *   then not even loaded: it would print what it misses.
 * @throws NotInstalled
 */
export async function openWebGpuDevice(
  hardwareOnly = false,
): Promise<WebGpuDevice | { readonly unavailable: string }> {
  const lack = hardwareOnly ? await lacksGpu() : undefined;
  if (lack !== undefined) return { unavailable: lack };
  try {
    const { create, globals } = await optionalModule<typeof dawn>('webgpu');
    const gpu = create([]);
    const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
    if (!adapter)
      return {
        unavailable: 'no WebGPU adapter was found; is a Vulkan, Metal or D3D12 driver installed?',
      };
    const { info } = adapter;
    const software = isSoftware(info);
    if (software && hardwareOnly) return softwareAdapter;
    const { maxBufferSize, maxStorageBufferBindingSize, maxComputeWorkgroupStorageSize } =
      adapter.limits;
    const {
      maxComputeInvocationsPerWorkgroup,
      maxComputeWorkgroupSizeX,
      maxComputeWorkgroupSizeY,
    } = adapter.limits;
    const optional: GPUFeatureName[] = ['timestamp-query', 'bgra8unorm-storage', 'shader-f16'];
    const device = await adapter.requestDevice({
      requiredFeatures: optional.filter((feature) => adapter.features.has(feature)),
      requiredLimits: {
        maxBufferSize,
        maxStorageBufferBindingSize,
        maxComputeWorkgroupStorageSize,
        maxComputeInvocationsPerWorkgroup,
        maxComputeWorkgroupSizeX,
        maxComputeWorkgroupSizeY,
      },
    });
    held.add(gpu);
    const takeBack = defineGlobals(globals);
    const close = () => {
      device.destroy();
      held.delete(gpu);
      takeBack();
    };
    return { device, info, software, close };
  } catch (error) {
    if (error instanceof NotInstalled) throw error;
    return { unavailable: reason(error) };
  }
}

/** What was defined on the global object, and for how many devices. */
let defined: readonly string[] = [];
let definedFor = 0;

/** TF.js reads `GPUBufferUsage` and its like from the global object. @returns what takes them away again, with the last device. */
function defineGlobals(globals: object): () => void {
  if (definedFor++ === 0) {
    const missing = Object.entries(globals).filter(([name]) => !(name in globalThis));
    for (const [name, value] of missing)
      Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
    defined = missing.map(([name]) => name);
  }
  return () => {
    if (--definedFor > 0) return;
    for (const name of defined) delete (globalThis as Record<string, unknown>)[name];
  };
}
