/** GitHub, or a server of one's own that speaks like it. */
export interface GitHub {
  /** `https://github.com` */
  readonly server: string;
  /** `https://api.github.com` */
  readonly api: string;
  readonly token: string;
}
