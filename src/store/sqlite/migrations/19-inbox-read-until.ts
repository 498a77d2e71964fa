/** Up to when a conversation is read: an older message that comes to the store after that was known does not count. */
export const INBOX_READ_UNTIL = `
ALTER TABLE inbox ADD COLUMN read_until INTEGER NOT NULL DEFAULT 0;
`;
