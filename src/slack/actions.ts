/**
 * Every name by which a click or a submitted form comes back. The value of a button is an opaque id (a run's, an
 * approval's nonce): what it may do is looked up when it is clicked.
 */
export const actionIds = {
  planStart: 'plan_start',
  planCancel: 'plan_cancel',
  approvalApprove: 'approval_approve',
  approvalReject: 'approval_reject',
  approvalChanges: 'approval_changes',
  runDetails: 'run_details',
  runStop: 'run_stop',
  runRetry: 'run_retry',
  runAgain: 'run_again',
  startWorkflow: 'start_workflow',
  startRequest: 'start_request',
  startRepository: 'start_repository',
  reasonText: 'reason_text',
  changesText: 'changes_text',
} as const;

/** Which form was submitted. */
export const callbackIds = {
  start: 'start_form',
  reject: 'reject_form',
  changes: 'changes_form',
} as const;

/** The `block_id` of each input: where its value stands in `view.state.values`, and where an error is shown. */
export const inputIds = {
  workflow: 'workflow',
  request: 'request',
  repository: 'repository',
  reason: 'reason',
  changes: 'changes',
} as const;
