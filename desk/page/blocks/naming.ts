/** How an input block names its element for those who cannot see the label beside it. */
export interface Naming {
  readonly id: string;
  readonly label: string;
  readonly describedBy: string | undefined;
  readonly invalid: boolean;
  readonly required: boolean;
}
