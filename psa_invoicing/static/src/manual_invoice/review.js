import {Component, onMounted, onWillUpdateProps, useRef, useState} from "@odoo/owl";
import {formatFloat} from "@web/views/fields/formatters";
import {parseFloat} from "@web/views/fields/parsers";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";
import {useChangeQueue} from "./change_queue";
import {useService} from "@web/core/utils/hooks";
import {_t} from "@web/core/l10n/translation";

const MODEL = "psa.manual.invoice";

/**
 * A tree of transactions with ticks: customer, invoice, contract line, transaction.
 *
 * The server knows what is ticked and what it comes to; a click is one request. The
 * client has the sums by contract line, and the transactions that were looked at.
 */
export class ManualInvoiceReview extends Component {
    static template = "psa_invoicing.ManualInvoiceReview";
    static props = {...standardFieldProps};

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.root = useRef("root");
        this.types = [
            ["chargeable", _t("Chargeable")],
            ["complimentary", _t("Complimentary")],
            ["non_chargeable", _t("Non-chargeable")],
        ];
        this.state = useState({
            // Loaded transactions, by contract line of an invoice.
            rows: {},
            folded: {},
            leftOut: null,
            isLeftOutOpen: false,
            openReasons: {},
        });
        // The last answer is the one that counts.
        this.change = useChangeQueue(this.props.record.model);
        this.takeRows(this.review.rows || []);
        onWillUpdateProps((next) => {
            const review = next.record.data[next.name];
            if (review && review.rows && review.rows.length && review !== this.taken) {
                this.takeRows(review.rows, review);
            }
        });
        onMounted(() => {
            this.root.el.querySelector("input")?.focus();
            this.loadLeftOut();
        });
    }

    get review() {
        return this.props.record.data[this.props.name] || {customers: []};
    }

    get wizard() {
        return [this.props.record.resId];
    }

    // === What is shown ===

    key(invoice, line) {
        return `${invoice.id}/${line.id}`;
    }

    takeRows(rows, review = this.review) {
        this.taken = review;
        const loaded = {};
        for (const row of rows) {
            const key = `${row.invoice}/${row.contract_line}`;
            loaded[key] = loaded[key] || [];
            loaded[key].push(row);
        }
        this.state.rows = loaded;
        for (const key in loaded) {
            this.state.folded[key] = false;
        }
    }

    rowsOf(invoice, line) {
        return this.state.rows[this.key(invoice, line)] || [];
    }

    isOpen(invoice, line) {
        const key = this.key(invoice, line);
        return this.state.folded[key] === false && Boolean(this.state.rows[key]);
    }

    isCustomerOpen(customer) {
        return !this.state.folded[`customer${customer.id}`];
    }

    /** The contract lines under a node of the tree. */
    branches(node) {
        if (node.invoices) {
            return node.invoices.flatMap((invoice) => invoice.lines);
        }
        return node.lines || [node];
    }

    /** Whether all, some or none of what is under a node is ticked. */
    tickOf(node) {
        const lines = this.branches(node);
        const ticked = lines.reduce((sum, line) => sum + line.ticked, 0);
        const count = lines.reduce((sum, line) => sum + line.count, 0);
        return {
            checked: count > 0 && ticked === count,
            indeterminate: ticked > 0 && ticked < count,
        };
    }

    quantityOf(row) {
        return formatFloat(row.quantity, {digits: [16, 2]});
    }

    openOf(row) {
        return _t("of %s", formatFloat(row.open, {digits: [16, 2]}));
    }

    moreText(count) {
        return _t("%s more", count);
    }

    fateOf(invoice) {
        return {
            new: _t("New invoice"),
            added: _t("Added to the draft"),
            credit: _t("Credit note"),
            nothing: _t("Nothing to charge: it waits"),
        }[invoice.fate];
    }

    // === What a person does ===

    /** Call a method of this wizard on the server. */
    call(method, ...args) {
        return this.orm.call(MODEL, method, [this.wizard, ...args]);
    }

    show(review) {
        this.taken = review;
        return this.props.record.update({[this.props.name]: review});
    }

    async tick(selected, where, matches) {
        const changed = Object.values(this.state.rows)
            .flat()
            .filter((row) => row.selected !== selected && matches(row));
        const set = (value) => changed.forEach((row) => (row.selected = value));
        set(selected);
        try {
            await this.change(async () => {
                await this.show(await this.call("review_tick", selected, where));
            });
        } catch (error) {
            // The server did not change it.
            set(!selected);
            this.render(true);
            throw error;
        }
    }

    tickAll(selected) {
        return this.tick(selected, {}, () => true);
    }

    tickCustomer(customer, selected) {
        const invoices = customer.invoices.map((invoice) => invoice.id);
        return this.tick(selected, {customer: customer.id}, (row) =>
            invoices.includes(row.invoice)
        );
    }

    tickInvoice(invoice, selected) {
        return this.tick(
            selected,
            {invoice: invoice.id},
            (row) => row.invoice === invoice.id
        );
    }

    tickLine(invoice, line, selected) {
        return this.tick(
            selected,
            {invoice: invoice.id, contract_line: line.id},
            (row) => row.invoice === invoice.id && row.contract_line === line.id
        );
    }

    tickRow(row, selected) {
        return this.tick(selected, {row: row.id}, (each) => each.id === row.id);
    }

    async edit(row, values) {
        try {
            await this.change(async () => {
                const answer = await this.call("review_edit", row.id, values);
                Object.assign(row, answer.row);
                await this.show(answer.review);
            });
        } finally {
            // Show the old value again if the server refused the new one.
            this.render(true);
        }
    }

    onQuantity(row, input) {
        let quantity = row.quantity;
        try {
            quantity = parseFloat(input.value);
        } catch {
            input.value = this.quantityOf(row);
            return;
        }
        if (quantity === row.quantity) {
            input.value = this.quantityOf(row);
            return;
        }
        return this.edit(row, {quantity}).finally(() => {
            input.value = this.quantityOf(row);
        });
    }

    async toggleLine(invoice, line) {
        const key = this.key(invoice, line);
        if (this.isOpen(invoice, line)) {
            this.state.folded[key] = true;
            return;
        }
        if (!this.state.rows[key]) {
            await this.loadMore(invoice, line);
        }
        this.state.folded[key] = false;
    }

    toggleCustomer(customer) {
        const key = `customer${customer.id}`;
        this.state.folded[key] = !this.state.folded[key];
    }

    async loadMore(invoice, line) {
        const key = this.key(invoice, line);
        const shown = this.rowsOf(invoice, line);
        const where = {invoice: invoice.id, contract_line: line.id};
        const rows = await this.call("review_rows", where, shown.length);
        this.state.rows[key] = [...shown, ...rows];
    }

    /** Arrows move between the rows; Right and Left unfold and fold. */
    onKeydown(ev) {
        if (ev.target.matches("select") || ev.altKey || ev.ctrlKey) {
            return;
        }
        const move = {ArrowDown: 1, ArrowUp: -1}[ev.key];
        const row = ev.target.closest("tr");
        if (move && row) {
            const column = ev.target.matches("input[type=checkbox]")
                ? "input[type=checkbox]"
                : "input[type=text]";
            const rows = [...this.root.el.querySelectorAll("tr")];
            let index = rows.indexOf(row) + move;
            while (rows[index] && !rows[index].querySelector(column)) {
                index += move;
            }
            rows[index]?.querySelector(column).focus();
            ev.preventDefault();
        } else if (
            (ev.key === "ArrowRight" || ev.key === "ArrowLeft") &&
            ev.target.matches("input[type=checkbox]")
        ) {
            const wanted = ev.key === "ArrowRight" ? "false" : "true";
            row?.querySelector(`button[aria-expanded=${wanted}]`)?.click();
            ev.preventDefault();
        }
    }

    // === What is left out ===

    async loadLeftOut() {
        this.state.leftOut = await this.call("review_left_out");
    }

    get leftOutText() {
        // A reason without a number is a project: it counts as one.
        const count = this.state.leftOut.reduce(
            (sum, reason) => sum + (reason.count || 1),
            0
        );
        return _t("Left out (%s)", count);
    }

    async refresh() {
        await this.change(async () => {
            const review = await this.call("review_refresh");
            this.takeRows(review.rows, review);
            await this.show(review);
        });
        await this.loadLeftOut();
    }

    async remedy(reason, keys) {
        const {reason: name, about} = reason;
        const action = await this.change(() =>
            this.call("review_remedy", name, about, keys || null)
        );
        if (action) {
            // The review stays open behind it.
            await this.action.doAction(action, {newWindow: true});
        } else {
            await this.refresh();
        }
    }
}

registry.category("fields").add("psa_manual_invoice_review", {
    component: ManualInvoiceReview,
    supportedTypes: ["json"],
});
