import {BeforeStart} from "./before_start";
import {DynamicGroupList} from "@web/model/relational_model/dynamic_group_list";
import {ListController} from "@web/views/list/list_controller";
import {RelationalModel} from "@web/model/relational_model/relational_model";
import {listView} from "@web/views/list/list_view";
import {onWillRender} from "@odoo/owl";
import {registry} from "@web/core/registry";

/**
 * Groups by customer and project. The server reads one group more than a page shows: so
 * the list knows that there are more. It counts them only when somebody asks.
 */
class BacklogGroupList extends DynamicGroupList {
    _setData(data) {
        super._setData(data);
        this.hasMore = data.length === this.config.offset + this.config.limit + 1;
    }

    async fetchCount() {
        this.count = await this.model.orm.call(
            this.resModel,
            "count_groups",
            [this.domain, this.groupBy[0]],
            {context: this.context}
        );
        this.hasMore = false;
        return this.count;
    }
}

class BacklogModel extends RelationalModel {
    static DynamicGroupList = BacklogGroupList;
}

class BacklogListController extends ListController {
    static template = "psa_invoicing.BacklogListView";
    static components = {...ListController.components, BeforeStart};

    setup() {
        // Owl calls these in reverse order: this one after Odoo's own.
        onWillRender(() => this.limitPager());
        super.setup();
    }

    /** Show "1-80 / 80+", as the pager of an ungrouped list does. */
    limitPager() {
        const {root} = this.model;
        if (root?.hasMore) {
            Object.assign(this.env.config.pagerProps, {
                total: root.count - 1,
                updateTotal: () => root.fetchCount(),
            });
        }
    }
}

registry.category("views").add("psa_backlog_list", {
    ...listView,
    Controller: BacklogListController,
    Model: BacklogModel,
});
