import {Component} from "@odoo/owl";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";
import {useChangeQueue} from "./change_queue";
import {useService} from "@web/core/utils/hooks";
import {_t} from "@web/core/l10n/translation";

/** Milestones to bill: the reached ones can be ticked, the others are grey. */
export class Milestones extends Component {
    static template = "psa_invoicing.Milestones";
    static props = {...standardFieldProps};

    setup() {
        this.orm = useService("orm");
        this.change = useChangeQueue(this.record.model);
    }

    get record() {
        return this.props.record;
    }

    get rows() {
        return this.record.data[this.props.name] || [];
    }

    isTicked(row) {
        return row.ticked && this.record.data.bill_milestone;
    }

    reachedText(row) {
        return row.is_late
            ? _t("reached on %s, after the cut-off date", row.day)
            : _t("reached on %s", row.day);
    }

    onTick(row, ticked) {
        return this.change(() => this.tick(row, ticked));
    }

    async tick(row, ticked) {
        const reached = this.rows.filter((each) => each.reached);
        const chosen = reached
            .filter((each) => (each.id === row.id ? ticked : this.isTicked(each)))
            .map((each) => each.id);
        // An empty choice would mean all: with none ticked, milestones are not billed.
        const wanted = chosen.length === reached.length ? [] : chosen;
        const list = this.record.data.milestone_ids;
        await list.addAndRemove({
            add: wanted.filter((id) => !list.currentIds.includes(id)),
            remove: list.currentIds.filter((id) => !wanted.includes(id)),
        });
        await this.record.update({bill_milestone: chosen.length > 0});
    }

    onMarkReached(row) {
        return this.change(() => this.markReached(row));
    }

    async markReached(row) {
        await this.orm.call("psa.manual.invoice", "mark_reached", [[row.id]]);
        const rows = this.rows.map((each) =>
            each.id === row.id ? {...each, reached: true, ticked: true} : each
        );
        await this.record.update({[this.props.name]: rows});
        await this.tick(row, true);
    }
}

registry.category("fields").add("psa_milestones", {
    component: Milestones,
    supportedTypes: ["json"],
});
