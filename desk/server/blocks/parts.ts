import { all, bool, byType, type Check, type Fields, list, object, oneOf, rule, text } from './schema.ts';

/** A link of a button or an option. Script URLs are refused, so a page may put it into an anchor. */
export const link: Check = text({ max: 3_000, pattern: /^(https?:\/\/|mailto:|slack:\/\/)\S+$/ });
/** The address of an image, a source or a trigger. */
export const url: Check = text({ max: 3_000, pattern: /^https?:\/\/\S+$/ });

/** A `plain_text` object with a limit of its own. */
export function plainText(max: number): Check {
  return byType({
    plain_text: object({ type: oneOf('plain_text'), text: text({ max }) }, { emoji: bool }),
  });
}

/** A `mrkdwn` object only. */
export function mrkdwn(max: number): Check {
  return byType({ mrkdwn: object({ type: oneOf('mrkdwn'), text: text({ max }) }, { verbatim: bool }) });
}

/** A `plain_text` or `mrkdwn` object. */
export function anyText(max: number): Check {
  return byType({
    plain_text: object({ type: oneOf('plain_text'), text: text({ max }) }, { emoji: bool }),
    mrkdwn: object({ type: oneOf('mrkdwn'), text: text({ max }) }, { verbatim: bool }),
  });
}

export const style: Check = oneOf('primary', 'danger');
export const actionId: Check = text({ max: 255 });
export const blockId: Check = text({ min: 0, max: 255 });

export const confirm: Check = object(
  { title: plainText(100), text: anyText(300), confirm: plainText(30), deny: plainText(30) },
  { style },
);

/** Option of a select or overflow menu: plain text. Descriptions and values hold 75 and 150 characters. */
export const plainOption: Check = object(
  { text: plainText(75), value: text({ max: 150 }) },
  { description: plainText(75) },
);

/** Option of radio buttons or checkboxes: text may be mrkdwn. */
export const richOption: Check = object(
  { text: anyText(75), value: text({ max: 150 }) },
  { description: anyText(75) },
);

/** Option of an overflow menu, which alone may open a URL. */
export const overflowOption: Check = object(
  { text: plainText(75), value: text({ max: 150 }) },
  { description: plainText(75), url: link },
);

export const optionGroup: Check = object({
  label: plainText(75),
  options: list(plainOption, { max: 100 }),
});

const slackFile: Check = all(
  object({}, { id: text(), url }),
  rule(
    (file) => (file['id'] === undefined) !== (file['url'] === undefined),
    'provide exactly one of id, url',
  ),
);

/** The fields of an image, one source of two. */
export const imageFields: { required: Fields; optional: Fields; source: Check } = {
  required: { type: oneOf('image'), alt_text: text({ max: 2_000 }) },
  optional: { image_url: url, slack_file: slackFile },
  source: rule(
    (image) => (image['image_url'] === undefined) !== (image['slack_file'] === undefined),
    'must define either image_url or slack_file',
  ),
};

export const imageElement: Check = object(imageFields.required, imageFields.optional, imageFields.source);

export const dispatchConfig: Check = object(
  {},
  { trigger_actions_on: list(oneOf('on_enter_pressed', 'on_character_entered'), { max: 2 }) },
);

export const conversationFilter: Check = all(
  object(
    {},
    {
      include: list(oneOf('im', 'mpim', 'private', 'public'), { max: 4 }),
      exclude_external_shared_channels: bool,
      exclude_bot_users: bool,
    },
  ),
  rule((filter) => Object.keys(filter).length > 0, 'must define at least one field'),
);
