import {registry} from "@web/core/registry";
import {stepUtils} from "@web_tour/tour_utils";

const tours = registry.category("web_tour.tours");

function openApp() {
    return stepUtils.goToAppSteps("psa_invoicing.menu_root", "Open Project Service");
}

function openProjects() {
    return [
        ...openApp(),
        {
            content: "Open the projects",
            trigger: ".o_menu_sections [data-menu-xmlid='psa_invoicing.menu_projects']",
            run: "click",
        },
    ];
}

function statusIs(label) {
    return {
        content: `The invoice is ${label}`,
        trigger: `.o_field_widget[name=psa_state] .o_arrow_button_current:contains(${label})`,
    };
}

tours.add("psa_invoicing_run_to_paid", {
    url: "/odoo",
    steps: () => [
        ...openApp(),
        {
            content: "Run what is due",
            trigger: "button:contains('Run Due Invoices')",
            run: "click",
        },
        {
            content: "One project is due",
            trigger:
                ".modal .o_field_widget[name=summary]:contains(Due dates: 1. Projects: 1.)",
        },
        {
            content: "Run it",
            trigger: ".modal button[name=action_run]",
            run: "click",
        },
        statusIs("Draft"),
        {
            content: "Edit the first transaction",
            trigger: "div[name=detail_ids] .o_data_row:first td[name=billing_type]",
            run: "click",
        },
        {
            content: "Offer it",
            trigger: "div[name=detail_ids] td[name=billing_type] .o_select_menu_input",
            run: "click",
        },
        {
            trigger: ".o_select_menu_item:contains('Complimentary')",
            run: "click",
        },
        {
            content: "Recalculate",
            trigger: "button[name=action_psa_recalculate]",
            run: "click",
        },
        {
            content: "Nothing else has changed",
            trigger: ".o_notification:contains('Nothing has changed')",
        },
        {
            trigger: ".o_notebook a:contains('Invoice Lines')",
            run: "click",
        },
        {
            content: "Three hours are left to charge",
            trigger: ".o_field_widget[name=tax_totals]:contains('300.00')",
        },
        {
            content: "Send it",
            trigger: "button[name=action_psa_send]",
            run: "click",
        },
        {
            content: "Send the mail",
            trigger: ".modal button[name=action_send_and_print]:enabled",
            run: "click",
        },
        statusIs("Sent"),
        {
            content: "The customer has paid",
            trigger: "button[name=action_psa_mark_paid]",
            run: "click",
        },
        {
            content: "Note the payment",
            trigger: ".modal button[name=action_create_payments]",
            run: "click",
        },
        statusIs("Paid"),
    ],
});

tours.add("psa_invoicing_new_project", {
    url: "/odoo",
    steps: () => [
        ...openProjects(),
        {
            content: "A new project",
            trigger: ".o_list_button_add, .o_control_panel button:contains('New')",
            run: "click",
        },
        {
            content: "Name it",
            trigger:
                ".o_field_widget[name=name] input, .o_field_widget[name=name] textarea",
            run: "edit Toured",
        },
        {
            trigger: "a[name=billing]",
            run: "click",
        },
        {
            content: "Choose how often to invoice",
            trigger: "div[name=billing_frequency_id] input",
            run: "edit Weekly",
        },
        {
            trigger: ".ui-menu-item a:contains('Weekly')",
            run: "click",
        },
        {
            content: "Billing starts today unless somebody says otherwise",
            trigger: "div[name=billing_start_date]:not(:empty)",
        },
        ...stepUtils.saveForm(),
        {
            content: "The next invoice date shows",
            trigger: "div[name=next_invoice_date]:visible",
        },
    ],
});

tours.add("psa_invoicing_manual_invoice", {
    url: "/odoo",
    steps: () => [
        ...openProjects(),
        {
            content: "Open the project",
            trigger: ".o_data_row td[name=name]:contains('Tour project')",
            run: "click",
        },
        {
            trigger: ".o_form_view button[name=action_manual_invoice]",
            run: "click",
        },
        {
            content: "Settings, then Next",
            trigger: ".modal button[name=action_next]",
            run: "click",
        },
        {
            content: "Untick the first transaction",
            trigger: ".modal .o_psa_row:first input[type=checkbox]",
            run: "click",
        },
        {
            content: "One is left",
            trigger: ".modal .o_psa_ticked b:contains(1)",
        },
        {
            content: "Finish",
            trigger: ".modal button[name=action_finish]:enabled",
            run: "click",
        },
        statusIs("Draft"),
    ],
});

function cardShows(key, count, pager) {
    return [
        {
            content: `${count} on the card ${key}`,
            trigger: `[data-card=${key}] .o_psa_card_count:contains(${count})`,
        },
        {
            trigger: `[data-card=${key}]`,
            run: "click",
        },
        {
            content: `The list behind ${key} shows as many`,
            trigger: `.o_list_view .o_pager_value:contains(${pager})`,
        },
        {
            content: "Back to the overview",
            trigger: ".o_menu_sections [data-menu-xmlid='psa_invoicing.menu_overview']",
            run: "click",
        },
    ];
}

tours.add("psa_invoicing_start_page", {
    url: "/odoo",
    steps: () => [
        ...openApp(),
        {
            content: "The app opens with what needs a person",
            trigger: ".o_psa_start_page",
        },
        ...cardShows("draft", "2", "1-2"),
        ...cardShows("failed", "3", "1-3"),
        {
            content: "Open the last run",
            trigger: ".o_psa_last_run button:contains('Invoice Run')",
            run: "click",
        },
        {
            trigger:
                ".o_form_view .o_field_widget[name=run_date], .o_form_view .o_field_widget[name=name]",
        },
        {
            content: "And back",
            trigger: ".o_breadcrumb a:contains('Overview'), .o_back_button",
            run: "click",
        },
        {
            trigger: ".o_psa_start_page [data-card=draft]",
        },
    ],
});
