/** The host and port of an address, for people to see and for what is kept per server, such as limits; text that is no address stays as it is. */
export function hostOf(address: string): string {
  return URL.canParse(address) ? new URL(address).host : address;
}
