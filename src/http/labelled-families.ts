/** A metric that shards count by themselves, with labels. */
export interface LabelledFamily {
  /** Without the prefix `meerkat_`. */
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
}

/** Those metrics; what a shard sends is the name and the values of the labels, joined by line ends. All are counters. */
export const LABELLED_FAMILIES: readonly LabelledFamily[] = [
  {
    name: 'sasl_exchanges_total',
    help: 'Attempts to log in, by mechanism and result.',
    labels: ['mechanism', 'result'],
  },
  {
    name: 'sasl_exchange_seconds_total',
    help: 'Time that these took, that of the client included.',
    labels: ['mechanism', 'result'],
  },
  {
    name: 'auth_questions_total',
    help: 'Questions to authentication methods, and how they were answered.',
    labels: ['method', 'question', 'answer'],
  },
  {
    name: 'auth_question_seconds_total',
    help: 'Time that the answers took.',
    labels: ['method', 'question', 'answer'],
  },
  {
    name: 'module_seconds_total',
    help: 'Time that modules spent on what they count.',
    labels: ['event'],
  },
];
