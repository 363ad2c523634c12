import {AccountMoveFormController} from "@account/components/account_move_form/account_move_form";
import {patch} from "@web/core/utils/patch";

/**
 * Tell the server which version of a draft its user saw: it refuses to overwrite what
 * somebody else has changed since.
 */
patch(AccountMoveFormController.prototype, {
    async onWillSaveRecord(record, changes) {
        const canProceed = await super.onWillSaveRecord(...arguments);
        if (record.resId && record.data.billing_version) {
            changes.billing_version = record.data.billing_version;
        }
        return canProceed;
    },
});
