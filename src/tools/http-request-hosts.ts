/** Where `http_request` may go: by the name that is asked for, and by the address that the name turns out to have. */
import type { LookupAddress } from 'node:dns';
import { BlockList, isIP } from 'node:net';

/** A target that is refused; the message says why, for the model. */
export class RefusedTarget extends Error {}

const SPECIAL_IPV4 = [
  ['0.0.0.0', 8], // this network
  ['10.0.0.0', 8],
  ['100.64.0.0', 10], // carrier-grade NAT
  ['127.0.0.0', 8],
  ['169.254.0.0', 16], // link-local, cloud metadata
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3], // multicast and reserved
] as const;

/** Of IPv6 only global unicast is public, less what carries an IPv4 address or is for documentation. */
const GLOBAL_IPV6 = ['2000::', 3] as const;
const SPECIAL_IPV6 = [
  ['2001::', 23], // Teredo and other protocol assignments
  ['2001:db8::', 32],
  ['2002::', 16], // 6to4
  ['3fff::', 20],
] as const;

const specialIpv4 = new BlockList();
for (const [net, prefix] of SPECIAL_IPV4) specialIpv4.addSubnet(net, prefix, 'ipv4');
const globalIpv6 = new BlockList();
globalIpv6.addSubnet(GLOBAL_IPV6[0], GLOBAL_IPV6[1], 'ipv6');
const specialIpv6 = new BlockList();
for (const [net, prefix] of SPECIAL_IPV6) specialIpv6.addSubnet(net, prefix, 'ipv6');

/** Whether an address is reachable on the public internet: not private, loopback, link-local or otherwise special. */
export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 4) return !specialIpv4.check(address, 'ipv4');
  return isIP(address) === 6 && globalIpv6.check(address, 'ipv6') && !specialIpv6.check(address, 'ipv6');
}

/** All addresses of a name: `dns.lookup`. */
export type Resolve = (
  hostname: string,
  options: { all: true; family: number | 'IPv4' | 'IPv6' },
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/** Takes part in `http.request` as its `lookup`: the address that was checked is the one that is connected to. */
export type CheckedLookup = (
  hostname: string,
  options: { all?: boolean | undefined; family?: number | 'IPv4' | 'IPv6' | undefined },
  callback: (error: Error | null, address: string | LookupAddress[], family?: number) => void,
) => void;

/**
 * The configured hosts: `name`, `name:port`, or an IP address. A private address is let through where it is itself listed,
 * a loopback address also under the name `localhost` where that is listed.
 */
export class AllowedHosts {
  readonly #entries: Set<string>;
  readonly #resolve: Resolve;

  constructor(hosts: string[], resolve: Resolve) {
    this.#resolve = resolve;
    this.#entries = new Set(hosts.map((host) => host.toLowerCase()));
  }

  /** Throws `RefusedTarget` unless the URL is http or https, carries no credentials, and names a listed host. */
  check(url: URL): void {
    if (url.protocol !== 'http:' && url.protocol !== 'https:') {
      throw new RefusedTarget(`Only http and https addresses can be requested, not ${url.protocol}`);
    }
    if (url.username !== '' || url.password !== '') throw new RefusedTarget('The URL must not hold credentials.');
    const name = bareHost(url.hostname);
    const port = url.port || (url.protocol === 'https:' ? '443' : '80');
    if (![name, url.hostname, `${url.hostname}:${port}`].some((entry) => this.#entries.has(entry))) {
      throw new RefusedTarget(`The host ${url.host} is not allowed. Allowed: ${[...this.#entries].join(', ')}.`);
    }
    if (isIP(name) !== 0) this.#checkAddress(name, name, port); // an address is not looked up
  }

  /** A look-up that fails with `RefusedTarget` when any address of the name is not allowed. */
  lookupFor(url: URL): CheckedLookup {
    const port = url.port || (url.protocol === 'https:' ? '443' : '80');
    return (hostname, options, callback) => {
      this.#resolve(hostname, { all: true, family: options.family ?? 0 }, (error, addresses) => {
        if (error) return callback(error, []);
        try {
          for (const { address } of addresses) this.#checkAddress(hostname, address, port);
        } catch (refusal) {
          return callback(refusal as Error, []);
        }
        if (options.all) return callback(null, addresses);
        const [first] = addresses;
        if (first === undefined) return callback(new RefusedTarget(`${hostname} has no address.`), []);
        callback(null, first.address, first.family);
      });
    };
  }

  #checkAddress(host: string, address: string, port: string): void {
    if (isPublicAddress(address) || this.#lists(address, port)) return;
    if (host === 'localhost' && isLoopback(address) && this.#lists('localhost', port)) return;
    throw new RefusedTarget(`${host} has the private address ${address}, which is not allowed.`);
  }

  #lists(host: string, port: string): boolean {
    const bracketed = host.includes(':') ? `[${host}]` : host;
    return [host, bracketed, `${bracketed}:${port}`].some((entry) => this.#entries.has(entry));
  }
}

function isLoopback(address: string): boolean {
  return address === '::1' || (isIP(address) === 4 && address.startsWith('127.'));
}

function bareHost(hostname: string): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
}
