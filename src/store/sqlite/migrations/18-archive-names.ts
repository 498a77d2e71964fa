/** To find whether a number of mam_jid is still in use: messages to somebody whose archive does not have them, or not any more. */
export const ARCHIVE_NAMES = `
CREATE INDEX mam_unreceived ON mam_message (recipient) WHERE received IS NULL AND sent IS NOT NULL;
`;
