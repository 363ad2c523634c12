import {Component} from "@odoo/owl";
import {registry} from "@web/core/registry";
import {standardWidgetProps} from "@web/views/widgets/standard_widget_props";
import {useService} from "@web/core/utils/hooks";

/** What the ticked transactions come to, and Finish, which says why it cannot. */
export class ManualInvoiceFooter extends Component {
    static template = "psa_invoicing.ManualInvoiceFooter";
    static props = {...standardWidgetProps};

    setup() {
        this.orm = useService("orm");
    }

    get review() {
        return this.props.record.data.review || {totals: [], drafts: []};
    }

    async chooseDraft(value) {
        const review = await this.orm.call(
            "psa.manual.invoice",
            "review_choose_draft",
            [[this.props.record.resId], value ? Number(value) : false]
        );
        await this.props.record.update({review});
    }

    /** As a button of the form does it. */
    press(name) {
        const {context, evalContext, resModel, resId, resIds} = this.props.record;
        return this.env.onClickViewButton({
            clickParams: {name, type: "object"},
            getResParams: () => ({context, evalContext, resModel, resId, resIds}),
        });
    }
}

registry.category("view_widgets").add("psa_manual_invoice_footer", {
    component: ManualInvoiceFooter,
});
