import { DownloadError } from '../../base/errors';
import { shorten } from '../../base/shorten';
import { isPrivateHost } from './private-address';

const REDIRECTS = [301, 302, 303, 307, 308];
/** As browsers have it. */
const MOST_REDIRECTS = 20;
/** Headers that are for the first host alone. */
const SECRETS = ['authorization', 'cookie'];

/**
 * `fetch` that follows redirects to the web alone, and never from a public address to a private one: a server on the
 * internet could else make a program in a company's network, or at a cloud provider, ask what only that one may.
 * Secrets go to the first origin alone.
 *
 * A name is looked up once here and once by `fetch`, so that who answers for a domain may give two answers; a program that
 * takes addresses from strangers runs behind a firewall of its own.
 *
 * @throws DownloadError for a redirect that is not followed, and what `fetch` throws.
 */
export async function fetchFollowing(
  url: string,
  { headers, ...request }: RequestInit = {},
): Promise<Response> {
  let address = url;
  const sent = new Headers(headers);
  let isPublic = false;
  for (let hops = 0; hops <= MOST_REDIRECTS; hops++) {
    const response = await fetch(address, { ...request, headers: sent, redirect: 'manual' });
    const location = response.headers.get('location');
    if (location === null || !REDIRECTS.includes(response.status)) return response;
    await response.body?.cancel();
    const from = new URL(address);
    const to = target(location, from);
    if (!to || !/^https?:$/.test(to.protocol))
      throw new DownloadError(
        `${shorten(url)} is redirected to ${shorten(location)}, which is not followed.`,
      );
    isPublic ||= !(await isPrivateHost(from.hostname));
    if (isPublic && (await isPrivateHost(to.hostname)))
      throw new DownloadError(
        `${shorten(url)} is redirected from the internet to a private address, ${to.host}, which is not followed; give that address itself if it is meant.`,
      );
    if (to.origin !== from.origin) SECRETS.forEach((name) => sent.delete(name));
    address = to.href;
  }
  throw new DownloadError(`${shorten(url)} is redirected more than ${MOST_REDIRECTS} times.`);
}

function target(location: string, from: URL): URL | null {
  try {
    return new URL(location, from);
  } catch {
    return null;
  }
}
