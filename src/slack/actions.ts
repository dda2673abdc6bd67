/**
 * Every name by which a click or a submitted form comes back. The value of a button is an opaque id (a run's, an
 * approval's nonce): what it may do is looked up when it is clicked.
 */
export const actionIds = {
  planStart: 'plan_start',
  planCancel: 'plan_cancel',
  planEdit: 'plan_edit',
  planSendBack: 'plan_send_back',
  planOther: 'plan_other',
  planSave: 'plan_save',
  approvalApprove: 'approval_approve',
  approvalReject: 'approval_reject',
  approvalChanges: 'approval_changes',
  approvalAsk: 'approval_ask',
  runDetails: 'run_details',
  runStop: 'run_stop',
  runPause: 'run_pause',
  runResume: 'run_resume',
  runSteer: 'run_steer',
  runRetry: 'run_retry',
  runAgain: 'run_again',
  startWorkflow: 'start_workflow',
  startRequest: 'start_request',
  startRepository: 'start_repository',
  reasonText: 'reason_text',
  changesText: 'changes_text',
  planStages: 'plan_stages',
  planOrder: 'plan_order',
  planAgent: 'plan_agent',
  planGroup: 'plan_group',
  planBudget: 'plan_budget',
  planDeadline: 'plan_deadline',
  planWords: 'plan_words',
  steerNode: 'steer_node',
  steerDo: 'steer_do',
  steerText: 'steer_text',
  saveName: 'save_name',
  saveDescription: 'save_description',
  askText: 'ask_text',
} as const;

/** Which form was submitted. */
export const callbackIds = {
  start: 'start_form',
  reject: 'reject_form',
  changes: 'changes_form',
  planEdit: 'plan_edit_form',
  planSendBack: 'plan_send_back_form',
  planSave: 'plan_save_form',
  steer: 'steer_form',
  ask: 'ask_form',
} as const;

/** The `block_id` of each input: where its value stands in `view.state.values`, and where an error is shown. */
export const inputIds = {
  workflow: 'workflow',
  request: 'request',
  repository: 'repository',
  reason: 'reason',
  changes: 'changes',
  /** Followed by a number where there is one per stage, agent or group. */
  stages: 'stages',
  order: 'order',
  agent: 'agent',
  group: 'group',
  budget: 'budget',
  deadline: 'deadline',
  words: 'words',
  node: 'node',
  deed: 'deed',
  name: 'name',
  description: 'description',
  ask: 'ask',
} as const;
