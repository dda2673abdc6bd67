/** Until when model servers want to be left alone: kept, since a server does not forget because Baton was restarted. */
export interface ProviderPauses {
  /** Milliseconds since the epoch; null when it never asked. @param host with its port */
  read(host: string): Promise<number | null>;
  write(host: string, until: number): Promise<void>;
}
