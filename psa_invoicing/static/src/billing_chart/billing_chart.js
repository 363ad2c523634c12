/* global Chart */
import {Component, onWillStart, useEffect, useRef} from "@odoo/owl";
import {getCustomColor} from "@web/core/colors/colors";
import {cookie} from "@web/core/browser/cookie";
import {formatFloat} from "@web/views/fields/formatters";
import {loadBundle} from "@web/core/assets";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";

const COLORS = {
    billed: ["#017e84", "#1dc2ca"],
    draft: ["#e99d00", "#ffc14d"],
    open: ["#714b67", "#c793ba"],
};

/**
 * The work of each month: billed, on a draft, not billed. A screen reader finds the same
 * figures in a table.
 */
export class BillingChartField extends Component {
    static template = "psa_invoicing.BillingChartField";
    static props = {...standardFieldProps};

    setup() {
        this.canvas = useRef("canvas");
        onWillStart(() => loadBundle("web.chartjs_lib"));
        useEffect(
            (canvas) => {
                if (!canvas) {
                    return;
                }
                const chart = new Chart(canvas, this.config);
                return () => chart.destroy();
            },
            () => [this.canvas.el, JSON.stringify(this.data)]
        );
    }

    get data() {
        return this.props.record.data[this.props.name];
    }

    get config() {
        const {months, series} = this.data;
        const scheme = cookie.get("color_scheme");
        const color = getCustomColor(scheme, "#111827", "#E4E4E4");
        const grid = {color: getCustomColor(scheme, "#d8dadd", "#3C3E4B")};
        return {
            type: "bar",
            data: {
                labels: months,
                datasets: series.map(({name, label, values}) => ({
                    label,
                    data: values,
                    backgroundColor: getCustomColor(scheme, ...COLORS[name]),
                })),
            },
            options: {
                animation: false,
                maintainAspectRatio: false,
                plugins: {
                    legend: {position: "bottom", labels: {color}},
                    tooltip: {
                        mode: "index",
                        callbacks: {
                            label: ({datasetIndex, dataIndex}) => {
                                const {label, texts} = series[datasetIndex];
                                return `${label}: ${texts[dataIndex]}`;
                            },
                        },
                    },
                },
                scales: {
                    x: {stacked: true, grid: {display: false}, ticks: {color}},
                    y: {
                        stacked: true,
                        grid,
                        ticks: {
                            color,
                            maxTicksLimit: 5,
                            callback: (value) =>
                                formatFloat(value, {
                                    humanReadable: true,
                                    digits: [0, 0],
                                }),
                        },
                    },
                },
            },
        };
    }
}

registry.category("fields").add("psa_billing_chart", {
    component: BillingChartField,
    supportedTypes: ["json"],
});
