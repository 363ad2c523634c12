import {
    AccountMoveFormCompiler,
    AccountMoveFormController,
    AccountMoveFormRenderer,
} from "@account/components/account_move_form/account_move_form";
import {StatusBarButtons} from "@web/views/form/status_bar_buttons/status_bar_buttons";
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

/** The button of the next action stands first: a telephone shows no other. */
class InvoiceButtons extends StatusBarButtons {
    get visibleSlotNames() {
        const isNext = (name) => Boolean(this.props.slots[name].isNext);
        return super.visibleSlotNames.sort((a, b) => isNext(b) - isNext(a));
    }
}

patch(AccountMoveFormRenderer, {
    components: {
        ...AccountMoveFormRenderer.components,
        StatusBarButtons: InvoiceButtons,
    },
});

/** The button of the next action is the primary one. */
patch(AccountMoveFormCompiler.prototype, {
    compileHeader() {
        const header = super.compileHeader(...arguments);
        for (const button of header.querySelectorAll(
            "StatusBarButtons > t > ViewButton"
        )) {
            const {name} = JSON.parse(button.getAttribute("clickParams"));
            const isNext = `__comp__.props.record.data.psa_next_action === "${name}"`;
            button.parentElement.setAttribute("isNext", isNext);
            button.setAttribute(
                "defaultRank",
                `${isNext} ? "btn-primary" : "btn-secondary"`
            );
        }
        return header;
    },
});
