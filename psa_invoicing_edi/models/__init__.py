# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from . import account_edi_xml_cii
from . import account_edi_xml_ubl_20
from . import account_edi_xml_ubl_bis3
