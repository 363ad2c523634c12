import {Mutex} from "@web/core/utils/concurrency";
import {useBus} from "@web/core/utils/hooks";

const queues = new WeakMap();

function queueOf(model) {
    if (!queues.has(model)) {
        queues.set(model, {mutex: new Mutex(), pending: new Set()});
    }
    return queues.get(model);
}

/**
 * Sends the changes of a dialog one after the other, in the order of the clicks, however
 * fast they come. Buttons of the form wait for changes that are not answered yet, and do
 * nothing if one fails: nobody bills what they have just unticked.
 *
 * @param {Object} model of the form's record
 * @returns {Function} takes a change, and returns the promise of it
 */
export function useChangeQueue(model) {
    const {mutex, pending} = queueOf(model);
    useBus(model.bus, "NEED_LOCAL_CHANGES", ({detail}) => {
        detail.proms.push(...pending);
    });
    return (change) => {
        const done = mutex.exec(change);
        const forget = () => pending.delete(done);
        pending.add(done);
        done.then(forget, forget);
        return done;
    };
}
