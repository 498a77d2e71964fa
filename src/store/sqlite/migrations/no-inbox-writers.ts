/** Changes of inboxes are made once because all kept writes are (`write_batch`). */
export const NO_INBOX_WRITERS = `
DROP TABLE inbox_writer;
`;
