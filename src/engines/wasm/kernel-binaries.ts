import { decodeBase64 } from './base64';

/** The kernels' binary. It is loaded when it is first asked for: pages pay for the one they run, when they run it. */
export async function kernelBinary(relaxed: boolean): Promise<Uint8Array<ArrayBuffer>> {
  const { kernels } = relaxed
    ? await import('./kernels-relaxed.generated')
    : await import('./kernels-simd.generated');
  return decodeBase64(kernels);
}
