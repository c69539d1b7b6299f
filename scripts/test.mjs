/**
 * Runs Jest with what the suite needs from outside: native ES modules, and a software Vulkan driver
 * for WebGPU where Debian's chromium brings one. Arguments are passed on.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const swiftShader = '/usr/lib/chromium/vk_swiftshader_icd.json';
const env = { ...process.env };
if (!env.VK_DRIVER_FILES && existsSync(swiftShader)) env.VK_DRIVER_FILES = swiftShader;

const flags = ['--experimental-vm-modules', '--no-warnings'];
const { status } = spawnSync(
  process.execPath,
  [...flags, 'node_modules/jest/bin/jest.js', ...process.argv.slice(2)],
  {
    stdio: 'inherit',
    env,
  },
);
process.exit(status ?? 1);
