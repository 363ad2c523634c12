import {CalendarCommonRenderer} from "@web/views/calendar/calendar_common/calendar_common_renderer";
import {CalendarController} from "@web/views/calendar/calendar_controller";
import {CalendarModel} from "@web/views/calendar/calendar_model";
import {CalendarRenderer} from "@web/views/calendar/calendar_renderer";
import {_t} from "@web/core/l10n/translation";
import {calendarView} from "@web/views/calendar/calendar_view";
import {registry} from "@web/core/registry";

class ScheduleCalendarController extends CalendarController {
    get editRecordDefaultDisplayText() {
        return _t("New Invoice Date");
    }
}

class ScheduleCalendarModel extends CalendarModel {
    /** A day shows the names of its projects. */
    normalizeRecord(rawRecord) {
        const [, title] = rawRecord.project_id;
        return {...super.normalizeRecord(rawRecord), title};
    }

    /** Show the old date again if the server refused the new one. */
    async updateRecord(...args) {
        try {
            return await super.updateRecord(...args);
        } catch (error) {
            await this.load();
            throw error;
        }
    }
}

/** Only what is planned can be dragged, and no date takes longer than a day. */
class ScheduleCalendarCommonRenderer extends CalendarCommonRenderer {
    convertRecordToEvent(record) {
        const isPlanned = record.rawRecord.state === "planned";
        return {
            ...super.convertRecordToEvent(record),
            startEditable: isPlanned && this.props.model.canEdit,
            durationEditable: false,
        };
    }
}

class ScheduleCalendarRenderer extends CalendarRenderer {
    static components = {
        ...CalendarRenderer.components,
        day: ScheduleCalendarCommonRenderer,
        week: ScheduleCalendarCommonRenderer,
        month: ScheduleCalendarCommonRenderer,
    };
}

registry.category("views").add("psa_schedule_calendar", {
    ...calendarView,
    Controller: ScheduleCalendarController,
    Model: ScheduleCalendarModel,
    Renderer: ScheduleCalendarRenderer,
});
