/**
 * What a file to import may be (threat T70). Nothing of it is kept longer than it takes to store it, so the file itself may have any size.
 */

/** Read at a time. */
export const CHUNK_BYTES = 65_536;
/** Elements in each other, in the whole file: beyond that nobody wrote it to be read. */
export const FILE_DEPTH_MAX = 256;
/** One entry (a contact, a message, a vCard): characters, elements, and elements in each other. More is left out, and reported. */
export const ENTRY_CHARS_MAX = 524_288;
export const ENTRY_ELEMENTS_MAX = 10_000;
export const ENTRY_DEPTH_MAX = 60;
/** Of one element; beyond that the file is refused. */
export const ATTRIBUTES_MAX = 64;
export const NAME_CHARS_MAX = 1_024;
/** Declarations of namespaces in force at a time. */
export const NAMESPACES_MAX = 256;
/** Files included in each other (XInclude), and files in all. */
export const INCLUDE_DEPTH_MAX = 8;
export const INCLUDES_MAX = 1_000_000;
/** Kinds of losses that are told apart, and places that are named of each. */
export const LOSS_KINDS_MAX = 500;
export const LOSS_PLACES_MAX = 5;
