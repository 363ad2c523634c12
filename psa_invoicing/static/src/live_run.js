import {Component, onWillUnmount, useEffect} from "@odoo/owl";
import {registry} from "@web/core/registry";
import {standardWidgetProps} from "@web/views/widgets/standard_widget_props";

const MILLISECONDS = 2000;

/** Reloads an invoice run as long as it is running. */
class LiveRun extends Component {
    static template = "psa_invoicing.LiveRun";
    static props = {...standardWidgetProps};

    setup() {
        this.timer = null;
        useEffect(
            (state) => {
                if (state === "running") {
                    this.wait();
                }
                return () => clearTimeout(this.timer);
            },
            () => [this.props.record.data.state]
        );
        onWillUnmount(() => {
            this.isGone = true;
        });
    }

    wait() {
        this.timer = setTimeout(async () => {
            await this.props.record.load();
            if (!this.isGone && this.props.record.data.state === "running") {
                this.wait();
            }
        }, MILLISECONDS);
    }
}

registry.category("view_widgets").add("psa_live_run", {
    component: LiveRun,
    fieldDependencies: [{name: "state", type: "selection"}],
});
