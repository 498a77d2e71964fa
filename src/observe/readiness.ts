/**
 * Why a server is not ready. `storage`: the store is there, but what is to be written is not written: its disk is full, slow or broken.
 */
export type Unreadiness = 'starting' | 'draining' | 'shard' | 'store' | 'storage';
