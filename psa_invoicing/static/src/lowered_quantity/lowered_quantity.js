import {Component, useState} from "@odoo/owl";
import {FloatField, floatField} from "@web/views/fields/float/float_field";
import {Dialog} from "@web/core/dialog/dialog";
import {_t} from "@web/core/l10n/translation";
import {formatFloat} from "@web/views/fields/formatters";
import {registry} from "@web/core/registry";
import {useAutofocus, useService} from "@web/core/utils/hooks";
import {user} from "@web/core/user";

/** Asks what becomes of the quantity that a person took off a draft. */
export class LoweredQuantityDialog extends Component {
    static template = "psa_invoicing.LoweredQuantityDialog";
    static components = {Dialog};
    static props = {
        close: Function,
        rest: String,
        transaction: String,
        writeOff: Function,
    };

    setup() {
        this.state = useState({reason: ""});
        useAutofocus({refName: "later"});
    }

    get title() {
        return _t("What of the Rest?");
    }

    get text() {
        return _t("%(rest)s of “%(transaction)s” are no longer on this invoice.", {
            rest: this.props.rest,
            transaction: this.props.transaction,
        });
    }

    async writeOff() {
        await this.props.writeOff(this.state.reason.trim());
        this.props.close();
    }
}

/**
 * A quantity that a person may lower. A dialog asks once whether the rest is billed later
 * or written off; without an answer it is billed later.
 */
export class LoweredQuantityField extends FloatField {
    setup() {
        super.setup();
        this.dialog = useService("dialog");
    }

    onFocusIn() {
        super.onFocusIn();
        this.before = this.value;
    }

    async onFocusOut() {
        super.onFocusOut();
        const {record} = this.props;
        const before = this.before;
        // By now the record has what was typed, if it is a number.
        await record.model.mutex.getUnlockedDef();
        const rest = Math.abs(before) - Math.abs(record.data[this.props.name]);
        if (rest > 0 && (await user.hasGroup("psa_invoicing.group_billing_manager"))) {
            this.ask(record, rest);
        }
    }

    ask(record, rest) {
        const uom = record.data.uom_id;
        this.dialog.add(LoweredQuantityDialog, {
            rest: [formatFloat(rest, {digits: this.props.digits}), uom?.display_name]
                .filter(Boolean)
                .join(" "),
            transaction: record.data.name || "",
            writeOff: (reason) => record.update({rest_reason: reason}),
        });
    }
}

registry.category("fields").add("psa_lowered_quantity", {
    ...floatField,
    component: LoweredQuantityField,
    fieldDependencies: [{name: "rest_reason", type: "char", readonly: false}],
});
