//! One Parquet file: a row group of rows of one table, zstd, with dictionaries and statistics. Readers skip files and pages by them.

use crate::{Cell, ColumnType, Error, Table};
use parquet::{
    basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical, ZstdLevel},
    data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int64Type},
    file::{
        properties::WriterProperties,
        writer::{SerializedColumnWriter, SerializedFileWriter},
    },
    schema::types::Type,
};
use std::sync::Arc;

/// A row: a cell for each column of its table.
pub(crate) type Row = Vec<Option<Cell>>;

fn schema(table: &Table) -> Result<Arc<Type>, Error> {
    let field = |ty: ColumnType, name: &str| {
        let (physical, logical) = match ty {
            ColumnType::Text | ColumnType::Json => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            ColumnType::Integer => (Physical::INT64, None),
            ColumnType::Double => (Physical::DOUBLE, None),
            ColumnType::Boolean => (Physical::BOOLEAN, None),
            ColumnType::Timestamp => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MICROS))),
        };
        Type::primitive_type_builder(name, physical)
            .with_logical_type(logical)
            .with_repetition(Repetition::OPTIONAL)
            .build()
    };
    let fields = table
        .columns
        .iter()
        .map(|column| field(column.ty, &column.name).map(Arc::new));
    let fields: Vec<_> = fields.collect::<Result<_, _>>()?;
    Ok(Arc::new(Type::group_type_builder("row").with_fields(fields).build()?))
}

/// The bytes of a file with these rows; at least one.
pub(crate) fn write(table: &Table, rows: &[Row]) -> Result<Vec<u8>, Error> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .build();
    let mut file = SerializedFileWriter::new(Vec::new(), schema(table)?, Arc::new(properties))?;
    let mut group = file.next_row_group()?;
    for (index, column) in table.columns.iter().enumerate() {
        let Some(mut writer) = group.next_column()? else { break };
        let cells = rows.iter().map(|row| row.get(index).and_then(Option::as_ref));
        column_chunk(&mut writer, column.ty, cells)?;
        writer.close()?;
    }
    group.close()?;
    Ok(file.into_inner()?)
}

fn column_chunk<'a>(
    writer: &mut SerializedColumnWriter<'_>,
    ty: ColumnType,
    cells: impl Iterator<Item = Option<&'a Cell>> + Clone,
) -> Result<(), Error> {
    let levels: Vec<i16> = cells.clone().map(|cell| i16::from(cell.is_some())).collect();
    let (cells, levels) = (cells.flatten(), Some(levels.as_slice()));
    match ty {
        ColumnType::Text | ColumnType::Json => {
            let text = |cell: &Cell| match cell {
                Cell::Text(text) => ByteArray::from(text.as_str()),
                _ => ByteArray::from(""),
            };
            let values: Vec<_> = cells.map(text).collect();
            writer.typed::<ByteArrayType>().write_batch(&values, levels, None)?;
        }
        ColumnType::Integer | ColumnType::Timestamp => {
            let integer = |cell: &Cell| if let Cell::Integer(integer) = cell { *integer } else { 0 };
            let values: Vec<_> = cells.map(integer).collect();
            writer.typed::<Int64Type>().write_batch(&values, levels, None)?;
        }
        ColumnType::Double => {
            let double = |cell: &Cell| {
                if let Cell::Double(double) = cell {
                    *double
                } else {
                    f64::NAN
                }
            };
            let values: Vec<_> = cells.map(double).collect();
            writer.typed::<DoubleType>().write_batch(&values, levels, None)?;
        }
        ColumnType::Boolean => {
            let values: Vec<_> = cells.map(|cell| *cell == Cell::Boolean(true)).collect();
            writer.typed::<BoolType>().write_batch(&values, levels, None)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TableKind;
    use parquet::{
        file::reader::{FileReader, SerializedFileReader},
        record::Field,
    };

    #[test]
    fn a_file_reads_as_it_was_written() {
        let mut table = Table::new("t".into(), TableKind::Rows);
        table.add(vec![
            ("share".into(), ColumnType::Double),
            ("at".into(), ColumnType::Timestamp),
            ("text".into(), ColumnType::Text),
        ]);
        let row = |n: i64, text: Option<&str>| -> Row {
            let text = text.map(|text| Cell::Text(text.into()));
            let double = Some(Cell::Double(0.5));
            let mut row = vec![Some(Cell::Text("r".into())), Some(Cell::Text("a/1".into()))];
            row.extend([
                Some(Cell::Integer(n)),
                Some(Cell::Boolean(n == 1)),
                double,
                Some(Cell::Integer(n)),
                text,
            ]);
            row
        };
        let bytes = write(&table, &[row(1, Some("ä")), row(2, None)]).unwrap();
        let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).unwrap();
        assert_eq!(reader.metadata().num_row_groups(), 1);
        let read: Vec<Vec<Field>> = reader
            .get_row_iter(None)
            .unwrap()
            .map(|row| row.unwrap().get_column_iter().map(|(_, field)| field.clone()).collect())
            .collect();
        let expected = |n: i64, text| {
            let of = [
                Field::Str("r".into()),
                Field::Str("a/1".into()),
                Field::Long(n),
                Field::Bool(n == 1),
            ];
            [&of[..], &[Field::Double(0.5), Field::TimestampMicros(n), text]].concat()
        };
        assert_eq!(read, [expected(1, Field::Str("ä".into())), expected(2, Field::Null)]);
    }
}
