import {Component, onWillStart, useState} from "@odoo/owl";
import {KanbanController} from "@web/views/kanban/kanban_controller";
import {ListController} from "@web/views/list/list_controller";
import {kanbanView} from "@web/views/kanban/kanban_view";
import {listView} from "@web/views/list/list_view";
import {registry} from "@web/core/registry";
import {useService} from "@web/core/utils/hooks";

/**
 * Says on the start page why due invoices are not made by themselves.
 */
class SchedulerBanner extends Component {
    static template = "psa_invoicing.SchedulerBanner";
    static props = {};

    setup() {
        const orm = useService("orm");
        this.state = useState({problem: ""});
        onWillStart(async () => {
            this.state.problem = await orm.call(
                "psa.invoice.run",
                "get_scheduler_problem",
                []
            );
        });
    }
}

class InvoiceListController extends ListController {
    static template = "psa_invoicing.InvoiceListView";
    static components = {...ListController.components, SchedulerBanner};
}

class InvoiceKanbanController extends KanbanController {
    static template = "psa_invoicing.InvoiceKanbanView";
    static components = {...KanbanController.components, SchedulerBanner};
}

registry.category("views").add("psa_invoice_list", {
    ...listView,
    Controller: InvoiceListController,
});
registry.category("views").add("psa_invoice_kanban", {
    ...kanbanView,
    Controller: InvoiceKanbanController,
});
