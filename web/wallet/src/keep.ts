// What the wallet keeps on this device: one IndexedDB store of values by name.
//
// Keys of a device lie here as objects that script can use and not read. `forget` empties everything.

const DATABASE = "jialing-wallet";
const STORE = "kept";

let opened: Promise<IDBDatabase> | null = null;

function database(): Promise<IDBDatabase> {
  opened ??= new Promise<IDBDatabase>((resolve, reject) => {
    const opening = indexedDB.open(DATABASE, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error ?? new Error("the browser keeps nothing for this page"));
  }).catch((error: unknown) => {
    opened = null;
    throw error;
  });
  return opened;
}

async function run<T>(mode: IDBTransactionMode, act: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const transaction = (await database()).transaction(STORE, mode);
  const asked = act(transaction.objectStore(STORE));
  return new Promise((resolve, reject) => {
    // A write counts once its transaction is complete: an id that was lost with the page protects nobody.
    transaction.oncomplete = () => resolve(asked.result);
    transaction.onabort = () => reject(transaction.error ?? new Error("the browser did not keep it"));
    transaction.onerror = transaction.onabort;
  });
}

export function kept<T>(name: string): Promise<T | undefined> {
  return run<T | undefined>("readonly", (store) => store.get(name) as IDBRequest<T | undefined>);
}

export async function keep(name: string, value: unknown): Promise<void> {
  await run("readwrite", (store) => store.put(value, name));
}

export async function drop(name: string): Promise<void> {
  await run("readwrite", (store) => store.delete(name));
}

/** Everything whose name begins with `prefix`. */
export async function keptAll<T>(prefix: string): Promise<T[]> {
  return run<T[]>("readonly", (store) => store.getAll(IDBKeyRange.bound(prefix, `${prefix}\uffff`)) as IDBRequest<T[]>);
}

export async function dropAll(prefix: string): Promise<void> {
  await run("readwrite", (store) => store.delete(IDBKeyRange.bound(prefix, `${prefix}\uffff`)));
}
